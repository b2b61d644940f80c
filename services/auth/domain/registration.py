"""What a person gives to register, checked as a whole: every broken rule is named at once."""

import unicodedata
from dataclasses import dataclass, field

from email_validator import EmailNotValidError, validate_email

from chassis.checks import Checks
from chassis.text import is_blank

NAME_CHARACTERS = 100
EMAIL_CHARACTERS = 254
PASSWORD_CHARACTERS = range(8, 129)
# Control characters, lone surrogates, and the separators of lines and paragraphs.
_REFUSED = frozenset({"Cc", "Cs", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Registration:
    """A name of 1 to 100 characters that can be seen, a normalised address, a password of 8 to 128 characters."""

    name: str
    email: str
    password: str = field(repr=False)

    @classmethod
    def of(cls, name: str, email: str, password: str) -> "Registration":
        """Check and normalise: name and address are trimmed, a password is taken as it is. Raises Invalid."""
        with Checks() as check:
            return cls(
                name=check("name", _name, name),
                email=check("email", _email, email),
                password=check("password", _password, password),
            )


def login_address(text: str) -> str:
    """The address as registration would have stored it; one that nobody can have stays as it was given."""
    try:
        return _email(text)
    except ValueError:
        return text.strip().lower()


def _name(text: str) -> str:
    trimmed = text.strip()
    if not 1 <= len(trimmed) <= NAME_CHARACTERS:
        raise ValueError(f"must have 1 to {NAME_CHARACTERS} characters")
    if is_blank(trimmed):
        raise ValueError("must have a visible character")
    return _printable(trimmed)


def _email(text: str) -> str:
    trimmed = text.strip()
    if len(trimmed) > EMAIL_CHARACTERS:
        raise ValueError(f"must have at most {EMAIL_CHARACTERS} characters")
    try:
        valid = validate_email(trimmed, check_deliverability=False, strict=True)
    except EmailNotValidError:
        raise ValueError("must be an email address") from None
    # Local parts differ by case in theory only (RFC 5321, 2.4); people type them either way.
    return valid.normalized.lower()


def _password(text: str) -> str:
    if len(text) not in PASSWORD_CHARACTERS:
        raise ValueError(f"must have {PASSWORD_CHARACTERS[0]} to {PASSWORD_CHARACTERS[-1]} characters")
    return _printable(text)


def _printable(text: str) -> str:
    if any(unicodedata.category(character) in _REFUSED for character in text):
        raise ValueError("must not contain control characters")
    return text
