import unittest

from greeter import greet


class GreetTest(unittest.TestCase):
    def test_a_person_is_greeted_by_name(self) -> None:
        assert greet(" Ada ") == "Hello, Ada!"

    def test_nobody_in_particular_is_the_world(self) -> None:
        assert greet("") == "Hello, world!"
