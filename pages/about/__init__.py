"""Page About: glossary, concept map, how it works, this server."""
