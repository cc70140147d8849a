"""All words of the language: what each means, what it takes, and what applies where it is left out."""
