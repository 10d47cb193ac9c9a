/** Mantine's theme here: the same in the console and in the explorer, with every text dark enough on its ground. */
import { createTheme, type CSSVariablesResolver, DEFAULT_THEME } from "@mantine/core";

export const theme = createTheme({
  primaryColor: "indigo",
  defaultRadius: "md",
  primaryShade: { light: 7, dark: 8 },
  autoContrast: true,
  // A small box as round as the rest looks like a radio button.
  components: { Checkbox: { defaultProps: { radius: "sm" } } },
});

/** The two whose darkest shade is still too pale, at 4.5 to 1 and more on their own light ground. */
const DARKER: Readonly<Record<string, string>> = { orange: "#a33c06", teal: "#06694b" };

/** In light mode, the text of light badges, menu entries and the like takes each colour's darkest shade. */
export const cssVariablesResolver: CSSVariablesResolver = () => ({
  variables: {},
  light: Object.fromEntries(Object.entries(DEFAULT_THEME.colors).map(([name, shades]) => [`--mantine-color-${name}-light-color`, DARKER[name] ?? shades[9]])),
  dark: {},
});
