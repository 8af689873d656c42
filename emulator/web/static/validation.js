"use strict";
// Counts the remaining seconds down, as fast as the emulator's clock runs; the rate of a clock that stands still is 0.
const seconds = document.getElementById("seconds");
if (seconds) {
  const start = performance.now();
  const remaining = Number(seconds.dataset.remaining);
  const rate = Number(seconds.dataset.rate);
  const count = () => {
    const left = remaining - (performance.now() - start) / 1000 * rate;
    seconds.textContent = Math.max(0, Math.floor(left));
    if (left <= 0) {
      clearInterval(timer);
      location.reload(); // the page of a link that has expired
    }
  };
  const timer = rate > 0 ? setInterval(count, 200) : 0;
}
