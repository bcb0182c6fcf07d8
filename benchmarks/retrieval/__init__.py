"""How well recall finds what was remembered: the real server, driven by a real MCP client.

__main__ -> whole -> run
         -> run -> drive, evolve, server, machine -> data
         -> read -> folder, locomo, longmemeval   -> data
         -> report -> score
"""
