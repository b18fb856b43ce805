"""Fakes and pictures that tests share."""
