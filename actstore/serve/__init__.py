"""A store as a service: Arrow Flight and HTTP over one engine. Stateless: all answers are the store's."""
