// A dialog of the browser's own, which keeps the focus inside. It is given back by hand: the dialog is taken out of the page
// and never closed.

/** Shows it; gives what is to be done when it is gone. */
export function modal(dialog: HTMLDialogElement): () => void {
  const before = document.activeElement;
  dialog.showModal();
  return () => {
    const lost = document.activeElement === null || document.activeElement === document.body;
    if (lost && before instanceof HTMLElement && before.isConnected) before.focus();
  };
}
