-- It was written with every message, for what is asked once in an account's life: messages_request finds those of an author.
drop index messages_author;
