"""What is read out of an event's strings: page, referrer, device, bot, place, texts. Pure functions, cached
by their input.
"""
