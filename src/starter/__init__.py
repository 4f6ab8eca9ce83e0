"""The starter: the default bake for people who press "Use this template", with a program that gives it their names.

``python -m starter make``     writes it into build/starter (``make starter``)
``python -m starter publish``  pushes it to the branch ``starter`` of a repository (``make starter-publish``)
"""
