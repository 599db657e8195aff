import { useEffect } from "react";
import { isTyping, onCopy, onPaste, rememberPointer } from "./actions/clipboard";
import { onShortcut } from "./shortcuts";

/** Keyboard, clipboard and the pointer's place, for the whole window. */
export function useGlobalKeys(): void {
  useEffect(() => {
    const key = (event: KeyboardEvent): void => onShortcut(event, isTyping(event.target));
    const copy = (event: ClipboardEvent): void => onCopy(event, false);
    const cut = (event: ClipboardEvent): void => onCopy(event, true);
    const pointer = (event: PointerEvent): void => rememberPointer({ x: event.clientX, y: event.clientY });
    window.addEventListener("keydown", key);
    document.addEventListener("copy", copy);
    document.addEventListener("cut", cut);
    document.addEventListener("paste", onPaste);
    window.addEventListener("pointermove", pointer, { passive: true });
    return () => {
      window.removeEventListener("keydown", key);
      document.removeEventListener("copy", copy);
      document.removeEventListener("cut", cut);
      document.removeEventListener("paste", onPaste);
      window.removeEventListener("pointermove", pointer);
    };
  }, []);
}
