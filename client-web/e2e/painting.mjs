// Pictures as people send them, painted by a page: nothing has to be kept in the repository.

/** The old bridge in the evening, as a photograph. */
export const bridge = (page) =>
  paint(page, 960, 600, "image/jpeg", (pen, width, height) => {
    const fill = (color, draw) => {
      pen.fillStyle = color;
      pen.beginPath();
      draw();
      pen.fill();
    };
    const fade = (from, to, y, high) => {
      const colors = pen.createLinearGradient(0, y, 0, y + high);
      colors.addColorStop(0, from);
      colors.addColorStop(1, to);
      return colors;
    };
    fill(fade("#27406b", "#f4a661", 0, height * 0.62), () => pen.rect(0, 0, width, height));
    fill("#ffe3a3", () => pen.arc(width * 0.7, height * 0.48, 46, 0, 7));
    const hill = (color, high, wave) =>
      fill(color, () => {
        pen.moveTo(0, height);
        for (let x = 0; x <= width; x += 8) pen.lineTo(x, high + Math.sin(x / wave) * 34 + Math.sin(x / wave / 2.7) * 21);
        pen.lineTo(width, height);
      });
    hill("#5b5a78", height * 0.52, 120);
    hill("#3d4660", height * 0.58, 75);
    fill(fade("#d08a5b", "#1f3552", height * 0.66, height * 0.34), () => pen.rect(0, height * 0.66, width, height));
    fill("#26252f", () => {
      pen.rect(0, height * 0.57, width, 30);
      for (let x = 60; x < width; x += 210) pen.rect(x, height * 0.57, 34, height * 0.2);
    });
    pen.lineWidth = 12;
    pen.strokeStyle = "#26252f";
    for (let x = 182; x < width; x += 210) {
      pen.beginPath();
      pen.arc(x, height * 0.77, 92, Math.PI, 0);
      pen.stroke();
    }
    // The bird.
    fill("#f0803c", () => pen.ellipse(300, height * 0.54, 20, 13, -0.6, 0, 7));
    fill("#1c9dc9", () => pen.ellipse(294, height * 0.53, 22, 11, -0.8, 0, 7));
    fill("#1c9dc9", () => pen.arc(313, height * 0.5, 11, 0, 7));
    fill("#26252f", () => {
      pen.moveTo(322, height * 0.495);
      pen.lineTo(350, height * 0.5);
      pen.lineTo(322, height * 0.51);
    });
  });

/** A face, wider than high: to be cut to a square. */
export const face = (page) =>
  paint(page, 640, 480, "image/png", (pen, width, height) => {
    const disc = (color, x, y, r) => {
      pen.fillStyle = color;
      pen.beginPath();
      pen.arc(x, y, r, 0, 7);
      pen.fill();
    };
    pen.fillStyle = "#2f6f73";
    pen.fillRect(0, 0, width, height);
    disc("#3b2a20", width / 2, height * 0.4, 150);
    disc("#c98f66", width / 2, height * 0.48, 130);
    for (const side of [-1, 1]) disc("#1d1a1a", width / 2 + side * 48, height * 0.44, 14);
    pen.lineWidth = 12;
    pen.strokeStyle = "#1d1a1a";
    for (const side of [-1, 1]) {
      pen.beginPath();
      pen.arc(width / 2 + side * 48, height * 0.44, 40, 0, 7);
      pen.stroke();
    }
    pen.beginPath();
    pen.arc(width / 2, height * 0.52, 62, 0.5, Math.PI - 0.5);
    pen.stroke();
  });

async function paint(page, width, height, type, draw) {
  const run = (draw, width, height, type) => {
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width, height });
    draw(canvas.getContext("2d"), width, height);
    return canvas.toDataURL(type, 0.9);
  };
  const url = await page.evaluate(`(${run})(${draw}, ${width}, ${height}, ${JSON.stringify(type)})`);
  return Buffer.from(url.split(",")[1], "base64");
}
