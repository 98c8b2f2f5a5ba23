"""The pages: each shows what the use cases and questions give, in the frame of ui."""
