/** Decimal texts as the API sends them, handled without rounding. */

/** A decimal text with its point moved to the right, exactly; what is no number is left as it is. */
export function shifted(text: string, places: number): string {
  const found = /^(-?)(\d*)(?:\.(\d*))?$/.exec(text.trim());
  if (!found || `${found[2] ?? ""}${found[3] ?? ""}` === "") return text;
  const [whole, part] = [found[2] ?? "", found[3] ?? ""];
  const digits = `${"0".repeat(Math.max(0, -places))}${whole}${part}${"0".repeat(Math.max(0, places))}`;
  const point = Math.max(0, -places) + whole.length + places;
  const head = digits.slice(0, point).replace(/^0+(?=\d)/, "") || "0";
  const tail = digits.slice(point).replace(/0+$/, "");
  return `${found[1] ?? ""}${head}${tail ? `.${tail}` : ""}`;
}
