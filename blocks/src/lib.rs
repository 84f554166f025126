//! Native XBlocks: html, video, problem and the containers.
