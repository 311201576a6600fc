"""Compatibility: the places where scripts for jobflow-remote look for names. No code of its own.

The methods on jobs are in `controller.api`.
"""
