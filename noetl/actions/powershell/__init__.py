"""`powershell`: runs PowerShell scripts. What a script says and gives comes back by the messages of `wrapper.ps1`."""

from noetl.actions.powershell.handler import PowershellHandler

__all__ = ["PowershellHandler"]
