"""websites"""
