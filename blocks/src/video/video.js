/* Remembers where a learner stopped and reports when the video was watched. The video plays without it. */
function XBlockRuntimeVideo(runtime, element) {
  "use strict";
  const root = element.querySelector ? element : element[0];
  const video = root.querySelector("video");
  if (!video) {
    return;
  }
  const position = Number(video.dataset.position) || 0;
  const end = Number(video.dataset.end) || 0;
  let saved = position;
  let isComplete = false;

  const clock = (time) => {
    const whole = Math.max(0, Math.min(86399, Math.floor(time)));
    return [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
      .map((part) => String(part).padStart(2, "0"))
      .join(":");
  };

  const save = () => {
    if (Math.floor(video.currentTime) === Math.floor(saved)) {
      return;
    }
    saved = video.currentTime;
    fetch(runtime.handlerUrl(root, "ajax_handler", "save_user_state"), {
      method: "POST",
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ saved_video_position: clock(saved) }),
      keepalive: true,
    }).catch(() => {});
  };

  const complete = () => {
    if (isComplete) {
      return;
    }
    isComplete = true;
    fetch(runtime.handlerUrl(root, "publish_completion"), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ completion: 1.0 }),
      keepalive: true,
    }).catch(() => {
      isComplete = false;
    });
  };

  const restore = () => {
    if (position > 0 && position < video.duration - 1) {
      video.currentTime = position;
    }
  };
  if (video.readyState > 0) {
    restore();
  } else {
    video.addEventListener("loadedmetadata", restore, { once: true });
  }
  video.addEventListener("pause", save);
  video.addEventListener("ended", complete);
  video.addEventListener("timeupdate", () => {
    const length = end > 0 ? Math.min(end, video.duration) : video.duration;
    if (length > 0 && video.currentTime > length * 0.95) {
      complete();
    }
  });
}
