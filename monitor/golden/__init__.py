"""The golden set: fixed prompts that are asked on a schedule within a budget, and compared with earlier answers.

Nothing here runs unless it is configured. What is asked for is reserved in the store before it is asked, so that
neither a crash nor a second process spends twice; what was answered is kept, and a run that was broken off goes on.
"""
