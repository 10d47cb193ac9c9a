/** Which workspace this tab works in, so that a reload need not ask first. */
const PLACE = "console-workspace";

export const knownWorkspace = (): string | null => sessionStorage.getItem(PLACE);

export function rememberWorkspace(id: string | null): void {
  if (id === null) sessionStorage.removeItem(PLACE);
  else sessionStorage.setItem(PLACE, id);
}
