// What a reader would see of the page that is open, as plain data; the checks judge it.
// Chromium calls this with the name of the part that is asked for.

function path(element) {
  const parts = [];
  for (let e = element; e && e !== document.body && parts.length < 4; e = e.parentElement) {
    parts.unshift(e.tagName.toLowerCase() + (e.classList.length ? "." + e.classList[0] : ""));
  }
  return parts.join(" > ");
}

// Whether a part of the text scrolls the element by itself, rather than the whole text.
function boxed(element) {
  for (let e = element.parentElement; e.tagName !== "ARTICLE"; e = e.parentElement) {
    if (["auto", "scroll"].includes(getComputedStyle(e).overflowX)) return true;
  }
  return false;
}

function layout() {
  const room = document.querySelector(".content").getBoundingClientRect();
  const wide = [...document.querySelectorAll("article *")].filter((e) => {
    const { left, right, width } = e.getBoundingClientRect();
    return width > 1 && (left < room.left - 1 || right > room.right + 1) && !boxed(e);
  });
  const figures = [...document.querySelectorAll("article img, article > svg, article figure svg")];
  return {
    viewport: document.documentElement.clientWidth,
    page: document.documentElement.scrollWidth,
    wide: wide.slice(0, 5).map(path),
    figures: figures.map((e) => ({
      name: e.getAttribute("src") || path(e),
      thumbnail: e.closest(".sphx-glr-thumbcontainer") !== null,
      natural: e.naturalWidth ?? e.viewBox.baseVal.width,
      shown: e.getBoundingClientRect().width,
      room: e.closest("article").getBoundingClientRect().width,
    })),
  };
}

function content() {
  return {
    title: document.title,
    links: [...document.querySelectorAll("a[href]")].map((a) => a.href),
    ids: [...document.querySelectorAll("[id]")].map((e) => e.id),
    // A thumbnail's title stands below it, so that its alt text is rightly empty.
    no_alt: [...document.images]
      .filter((e) => !e.alt.trim() && !e.closest(".sphx-glr-thumbcontainer"))
      .map((e) => e.src),
    players: document.querySelectorAll("audio").length,
  };
}

const painter = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext(
  "2d",
  { willReadFrequently: true },
);

const known = {};

function rgba(color) {
  if (!(color in known)) {
    painter.clearRect(0, 0, 1, 1);
    painter.fillStyle = color;
    painter.fillRect(0, 0, 1, 1);
    known[color] = [...painter.getImageData(0, 0, 1, 1).data];
  }
  return known[color];
}

function over([r, g, b, a], below) {
  return [r, g, b].map((c, i) => (c * a) / 255 + below[i] * (1 - a / 255));
}

function background(element) {
  const layers = [];
  for (let e = element; e; e = e.parentElement) layers.push(getComputedStyle(e).backgroundColor);
  return layers.reverse().reduce((below, color) => over(rgba(color), below), [255, 255, 255]);
}

function luminance(rgb) {
  const linear = rgb.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
}

function contrasts(theme) {
  document.body.dataset.theme = theme;
  const least = {};
  for (const e of document.querySelectorAll("article *, .sidebar-tree a")) {
    if (e.closest(".sk-top-container")) continue; // scikit-learn's diagram has its own colours
    const text = [...e.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.data.trim());
    if (!text || !e.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    const below = background(e);
    const [light, dark] = [over(rgba(getComputedStyle(e).color), below), below]
      .map(luminance)
      .sort((a, b) => b - a);
    const ratio = (light + 0.05) / (dark + 0.05);
    least[path(e)] = Math.min(least[path(e)] ?? 21, ratio);
  }
  return least;
}

async function players() {
  const heard = [];
  for (const audio of document.querySelectorAll("audio")) {
    audio.muted = true;
    audio.load();
    const played = new Promise((done) => {
      audio.addEventListener("timeupdate", () => audio.currentTime > 0 && done("played"));
      audio.addEventListener("ended", () => done("played"));
      setTimeout(() => done("silent"), 5000);
    });
    const started = await audio.play().then(() => "started", (error) => String(error));
    heard.push({
      source: (audio.currentSrc || audio.src).slice(0, 80),
      controls: audio.controls,
      duration: Number.isFinite(audio.duration) ? audio.duration : 0,
      state: started === "started" ? await played : started,
    });
    audio.pause();
  }
  return heard;
}

return { layout, content, contrasts, players }[arguments[0]](arguments[1]);
