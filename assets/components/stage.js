// A stage is bright: presenter view is light, whatever the presenter's own system prefers, unless the link names a theme.

export default function ({ parentElement }) {
  const style = getComputedStyle(parentElement.host ?? parentElement);
  const address = new URL(window.location.href);
  if (address.searchParams.has("embed_options") || !isDark(style.getPropertyValue("--st-background-color"))) return;
  address.searchParams.append("embed_options", "light_theme");
  window.location.replace(address);
}
