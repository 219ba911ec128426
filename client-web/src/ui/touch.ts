// Fingers: a text field that takes the focus by itself opens a keyboard over half of the screen.

/** Puts the focus there, where there are keys. */
export function focusWithKeys(element: HTMLElement | undefined): void {
  if (!matchMedia("(pointer: coarse)").matches) element?.focus();
}
