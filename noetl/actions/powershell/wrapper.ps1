# Runs one script for noetl, and tells what comes of it as it comes. `messages.py` is the other end, and describes what
# goes through standard input and standard output.
#
# It has to be valid for Windows PowerShell 5.1 and for PowerShell 7, and ASCII, since 5.1 does not take a file without
# a byte order mark for UTF-8. All its names begin with noetl: the script runs in the midst of them.

$global:noetl = @{
    utf8      = New-Object -TypeName System.Text.UTF8Encoding -ArgumentList $false
    invariant = [System.Globalization.CultureInfo]::InvariantCulture
    # The bare stream, whatever encoding the console has, and wherever the script lets [Console]::Out write to.
    stdout    = [Console]::OpenStandardOutput()
    request   = $null
    program   = $null
    failure   = $null
    last      = $true
    called    = $true
    # Objects that stand for one text; their properties say less.
    texts     = @(
        'System.Guid', 'System.Uri', 'System.Version', 'System.RuntimeType', 'System.Globalization.CultureInfo',
        'System.Management.Automation.ScriptBlock', 'System.Management.Automation.SemanticVersion',
        'System.Net.IPAddress', 'System.Net.Mail.MailAddress', 'System.Text.RegularExpressions.Regex'
    )
    receiver  = {
        process { Send-NoetlRecord $_ }
        # Nothing has run between the script's last statement and this, so it still is what that statement left.
        end { $noetl.last = $? }
    }
}

function Add-NoetlText($json, $text) {
    $text = $text.Replace('\', '\\').Replace('"', '\"').Replace("`n", '\n').Replace("`r", '\r').Replace("`t", '\t')
    $text = [regex]::Replace($text, '[\x00-\x1f]', { '\u{0:x4}' -f [int]$args[0].Value[0] })
    $null = $json.Append('"').Append($text).Append('"')
}

# Not ConvertTo-Json: it writes what JSON has no word for differently in each version, and follows the properties of
# objects until it meets its depth. Here those of an object of .NET are followed one level, as in a table.
function Add-NoetlJson($json, $value, $depth, $inObject) {
    if ($depth -gt 100) { throw 'the output is nested more than 100 deep' }
    if ($null -eq $value -or $value -is [System.DBNull]) {
        $null = $json.Append('null')
    }
    elseif ($value -is [string] -or $value -is [char] -or $value -is [decimal] -or $value -is [System.Enum]) {
        # A cast knows no culture; ToString does.
        Add-NoetlText $json ([string]$value)
    }
    elseif ($value -is [bool] -or $value -is [System.Management.Automation.SwitchParameter]) {
        $word = 'false'
        if ($value) { $word = 'true' }
        $null = $json.Append($word)
    }
    elseif ($value -is [int] -or $value -is [long] -or $value -is [byte] -or $value -is [System.SByte] -or
        $value -is [System.Int16] -or $value -is [System.UInt16] -or $value -is [System.UInt32]) {
        $null = $json.Append([string]$value)
    }
    elseif ($value -is [double] -or $value -is [single]) {
        $text = $value.ToString('R', $noetl.invariant)
        if ([double]::IsNaN($value) -or [double]::IsInfinity($value)) {
            Add-NoetlText $json $text
        }
        else {
            if ($text -notmatch '[.E]') { $text = $text + '.0' }
            $null = $json.Append($text)
        }
    }
    elseif ($value -is [System.UInt64] -or $value -is [System.Numerics.BigInteger]) {
        $text = $value.ToString($noetl.invariant)
        $fits = [long]0
        if ([long]::TryParse($text, [ref]$fits)) { $null = $json.Append($text) } else { Add-NoetlText $json $text }
    }
    elseif ($value -is [datetime] -or $value -is [System.DateTimeOffset] -or
        @('System.DateOnly', 'System.TimeOnly') -contains $value.GetType().FullName) {
        Add-NoetlText $json ($value.ToString('o', $noetl.invariant))
    }
    elseif ($value -is [timespan]) {
        Add-NoetlText $json ([System.Xml.XmlConvert]::ToString([timespan]$value))
    }
    elseif ($value -is [byte[]]) {
        Add-NoetlText $json ([System.Convert]::ToBase64String($value))
    }
    elseif ($value -is [System.Xml.XmlNode]) {
        Add-NoetlText $json $value.OuterXml
    }
    elseif ($value -is [System.Collections.IDictionary]) {
        $separator = '{'
        foreach ($entry in $value.GetEnumerator()) {
            $null = $json.Append($separator)
            Add-NoetlText $json ([string]$entry.Key)
            $null = $json.Append(':')
            Add-NoetlJson $json $entry.Value ($depth + 1) $inObject
            $separator = ','
        }
        if ($separator -eq '{') { $null = $json.Append('{') }
        $null = $json.Append('}')
    }
    elseif ($noetl.texts -contains $value.GetType().FullName) {
        Add-NoetlText $json ([string]$value)
    }
    elseif ($value -is [System.Collections.IEnumerable]) {
        $separator = '['
        foreach ($item in $value) {
            $null = $json.Append($separator)
            Add-NoetlJson $json $item ($depth + 1) $inObject
            $separator = ','
        }
        if ($separator -eq '[') { $null = $json.Append('[') }
        $null = $json.Append(']')
    }
    elseif ($inObject -and $value -isnot [System.Management.Automation.PSCustomObject]) {
        Add-NoetlText $json ([string]$value)
    }
    else {
        $within = $inObject -or $value -isnot [System.Management.Automation.PSCustomObject]
        $separator = '{'
        foreach ($property in $value.PSObject.Properties) {
            $content = $null
            # Some have to be computed, and cannot: a process of another user does not tell its modules.
            try { $content = $property.Value } catch { $content = $null }
            $null = $json.Append($separator)
            Add-NoetlText $json $property.Name
            $null = $json.Append(':')
            Add-NoetlJson $json $content ($depth + 1) $within
            $separator = ','
        }
        if ($separator -eq '{') { $null = $json.Append('{') }
        $null = $json.Append('}')
    }
}

function Send-NoetlMessage($message) {
    $json = New-Object -TypeName System.Text.StringBuilder
    Add-NoetlJson $json $message 0 $false
    $bytes = $noetl.utf8.GetBytes($noetl.request.mark + $json.ToString() + "`n")
    $noetl.stdout.Write($bytes, 0, $bytes.Length)
    $noetl.stdout.Flush()
}

function Get-NoetlError($record) {
    $invocation = $record.InvocationInfo
    @{
        message   = [string]$record
        id        = [string]$record.FullyQualifiedErrorId
        category  = [string]$record.CategoryInfo.Category
        exception = $record.Exception.GetType().FullName
        command   = $invocation.MyCommand.Name
        file      = $invocation.ScriptName
        line      = $invocation.ScriptLineNumber
        column    = $invocation.OffsetInLine
        source    = $invocation.Line
        stack     = $record.ScriptStackTrace
    }
}

function Send-NoetlRecord($record) {
    if ($record -is [System.Management.Automation.ErrorRecord]) {
        if ($record.FullyQualifiedErrorId -like 'NativeCommandError*') {
            # What a program writes to its standard error, line by line.
            Send-NoetlMessage @{ stream = 'stderr'; text = $record.Exception.Message }
        }
        else {
            Send-NoetlMessage @{ stream = 'error'; error = Get-NoetlError $record }
        }
    }
    elseif ($record -is [System.Management.Automation.WarningRecord]) {
        Send-NoetlMessage @{ stream = 'warning'; text = $record.Message }
    }
    elseif ($record -is [System.Management.Automation.VerboseRecord]) {
        Send-NoetlMessage @{ stream = 'verbose'; text = $record.Message }
    }
    elseif ($record -is [System.Management.Automation.DebugRecord]) {
        Send-NoetlMessage @{ stream = 'debug'; text = $record.Message }
    }
    elseif ($record -is [System.Management.Automation.InformationRecord]) {
        $open = $record.MessageData -is [System.Management.Automation.HostInformationMessage] -and
            [bool]$record.MessageData.NoNewLine
        Send-NoetlMessage @{ stream = 'information'; text = [string]$record; open = $open }
    }
    else {
        # To throw here would throw in the midst of the script, which might catch it.
        try { Send-NoetlMessage @{ output = $record } } catch { Send-NoetlMessage @{ unfit = [string]$_ } }
    }
}

# All texts of a request begin with an equals sign: ConvertFrom-Json makes a date of every text that looks like one.
function Restore-NoetlText($value) {
    if ($value -is [string]) { return $value.Substring(1) }
    if ($value -is [array]) {
        for ($index = 0; $index -lt $value.Length; $index++) {
            $value[$index] = Restore-NoetlText $value[$index]
        }
        return , $value
    }
    if ($value -is [System.Management.Automation.PSCustomObject]) {
        foreach ($property in $value.PSObject.Properties) {
            $property.Value = Restore-NoetlText $property.Value
        }
    }
    return $value
}

function Read-NoetlRequest {
    $stdin = [Console]::OpenStandardInput()
    $reader = New-Object -TypeName System.IO.StreamReader -ArgumentList @($stdin, $noetl.utf8)
    return Restore-NoetlText (ConvertFrom-Json -InputObject ($reader.ReadToEnd()))
}

function Initialize-NoetlProgram {
    $request = $noetl.request
    $tokens = $null
    $faults = $null
    if ($null -ne $request.file) {
        $ast = [System.Management.Automation.Language.Parser]::ParseFile($request.file, [ref]$tokens, [ref]$faults)
    }
    else {
        # With the playbook as its file, $PSScriptRoot is the folder of the playbook, and errors have a place.
        $ast = [System.Management.Automation.Language.Parser]::ParseInput(
            $request.text, $request.name, [ref]$tokens, [ref]$faults)
    }
    if ($faults.Length -gt 0) {
        $extent = $faults[0].Extent
        $noetl.failure = @{
            message   = $faults[0].Message
            id        = $faults[0].ErrorId
            category  = 'ParserError'
            exception = 'System.Management.Automation.ParseException'
            file      = $extent.File
            line      = $extent.StartLineNumber
            column    = $extent.StartColumnNumber
            source    = $extent.StartScriptPosition.Line
        }
        return
    }
    # A file is called as a file, so that `exit`, `#Requires` and $MyInvocation do in it what they do elsewhere.
    if ($null -ne $request.file) { $noetl.program = $request.file } else { $noetl.program = $ast.GetScriptBlock() }
    $global:noetl_named = @{}
    foreach ($property in $request.args.PSObject.Properties) {
        if ($null -ne $ast.ParamBlock) {
            $global:noetl_named[$property.Name] = $property.Value
        }
        else {
            # Not Set-Variable, which would obey a preference that an argument has just set.
            $ExecutionContext.SessionState.PSVariable.Set('global:' + $property.Name, $property.Value)
        }
    }
}

# So that what other programs print is read as UTF-8, and what is piped to them is; without a console Windows refuses.
try { [Console]::OutputEncoding = $noetl.utf8 } catch { $Error.Clear() }
$global:OutputEncoding = $noetl.utf8
# A bar that nobody sees, and that makes downloads many times slower.
$global:ProgressPreference = 'SilentlyContinue'
if ($PSVersionTable.PSVersion -ge '7.2') { $PSStyle.OutputRendering = 'PlainText' }

$noetl.request = Read-NoetlRequest
Send-NoetlMessage @{ started = [string]$PSVersionTable.PSVersion }
try {
    Initialize-NoetlProgram
    if ($null -eq $noetl.failure) {
        $Error.Clear()
        $global:LASTEXITCODE = 0
        if ($PSVersionTable.PSVersion -ge '7.2') {
            & $noetl.program @noetl_named *>&1 | & $noetl.receiver
            $noetl.called = $?
        }
        else {
            # Older versions take a program for failed that writes to a standard error which is redirected. So the
            # errors are not: the host writes them to our own, as text.
            & $noetl.program @noetl_named 3>&1 4>&1 5>&1 6>&1 | & $noetl.receiver
            $noetl.called = $?
        }
    }
}
catch {
    $noetl.failure = Get-NoetlError $_
}
# This point is never reached when a script text calls `exit`: the exit code of the process is the message then.
if ($null -ne $noetl.failure) {
    Send-NoetlMessage @{ failed = $noetl.failure }
}
else {
    $success = $noetl.last
    if ($null -ne $noetl.request.file) { $success = $noetl.called }
    Send-NoetlMessage @{ ended = @{ success = $success; exit_code = $global:LASTEXITCODE -as [int] } }
}
