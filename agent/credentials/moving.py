"""How an upstream moves to another URL by itself: staged, tried after the next boot, kept once it has accepted. Pure.

Theory of operation
-------------------
What an upstream wants to be dialled at lies with its live credentials, apart from the settings, beside the URL of the
settings that it was meant instead of: a change of the settings is the installer's word, and counts. A move begins in
another boot than that it was asked for in. While it is being tried the URL in force stays known; it is forgotten once
the station was accepted at the new one, and dialled again if it never was.
"""

from __future__ import annotations

from dataclasses import replace

from agent.credentials.holdings import Holdings


def settled_url(held: Holdings, settings_url: str) -> str:
    """The URL in force without what is being tried."""
    return held.own_url if held.own_url and held.own_url_basis == settings_url else settings_url


def is_moving(held: Holdings, boot_id: str) -> bool:
    """A new URL is being tried in this boot."""
    return bool(held.moving_to) and held.moving_asked_in != boot_id


def url_now(held: Holdings, settings_url: str, boot_id: str) -> str:
    """What is dialled, but for the security profile."""
    return held.moving_to if is_moving(held, boot_id) else settled_url(held, settings_url)


def asked_to(held: Holdings, settings_url: str, boot_id: str, url: str) -> Holdings:
    """From the next boot on this URL is to be tried; the one in force ends what was asked before."""
    if url == settled_url(held, settings_url):
        return replace(held, moving_to="", moving_asked_in="")
    return replace(held, moving_to=url, moving_asked_in=boot_id)


def moved(held: Holdings, settings_url: str) -> Holdings:
    """The station was accepted at the new URL: the old one is forgotten."""
    return replace(held, own_url=held.moving_to, own_url_basis=settings_url, moving_to="", moving_asked_in="")


def abandoned(held: Holdings) -> Holdings:
    """The new URL never accepted: the old one it is."""
    return replace(held, moving_to="", moving_asked_in="")


def after_settings(held: Holdings, settings_url: str) -> Holdings:
    """What is held, seen from the present settings."""
    if held.own_url and held.own_url_basis != settings_url:
        return replace(held, own_url="", own_url_basis="")
    return held
