"""Removal of the text that a model generates before the answer proper."""

from tanuki_jax.inference.engine.job import Update


class PrefixRemoval:
    """Removal of a prefix, such as a space, from the updates of one answer."""

    def __init__(self, prefix: str) -> None:
        self._prefix, self._begun = prefix, ""

    def rest(self, update: Update) -> Update:
        """Return the update without what belongs to the prefix; text that may belong to it comes later."""
        if not self._prefix:
            return update
        text = self._begun + update.text
        if len(text) < len(self._prefix) and self._prefix.startswith(text) and not update.done:
            self._begun = text
            return update._replace(text="")
        text, self._prefix, self._begun = text.removeprefix(self._prefix), "", ""
        return update._replace(text=text)
