// Loads of tiles that can be given up: OpenSeadragon lets those under way come in after a viewer is gone.

/** Follows the loads of a tile source (OpenSeadragon.TileSource), whoever asks it for them. */
export class Loads {
  #source;
  #under = new Set();

  constructor(source) {
    this.#source = source;
    const start = source.downloadTileStart;
    source.downloadTileStart = (job) => {
      for (const end of ["finish", "fail"]) {
        const told = job[end];
        job[end] = (...outcome) => {
          this.#under.delete(job);
          told.apply(job, outcome);
        };
      }
      this.#under.add(job);
      start.call(source, job);
    };
  }

  /** Ends all loads, so that the server stops working on what nobody waits for. */
  abort() {
    for (const job of this.#under) {
      this.#source.downloadTileAbort(job);
      // job.abort would tell the viewer, which is going, that the tile failed.
      clearTimeout(job.jobId);
      job.jobId = null;
    }
    this.#under.clear();
  }
}
