"""The distilling: the run's evidence in, a draft out.

The prompts are made from the folded state and the repository; the session writes into a staging folder that git
ignores, and what it wrote is copied into the run's folder before anything else happens to it.
"""
