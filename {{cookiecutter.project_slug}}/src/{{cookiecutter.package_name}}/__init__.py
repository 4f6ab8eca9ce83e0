"""Trains, reviews, promotes and serves one model."""
