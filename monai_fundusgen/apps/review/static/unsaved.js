"use strict";
// Keeps in this browser what has not reached the server yet, so that a closed window or a gone server loses nothing.
// eslint-disable-next-line no-unused-vars
class Unsaved {
  async table(mode) {
    this.file ||= await new Promise((resolve, reject) => {
      const opening = indexedDB.open("fundusgen review", 1);
      opening.onupgradeneeded = () => opening.result.createObjectStore("labels");
      opening.onsuccess = () => resolve(opening.result);
      opening.onerror = () => reject(opening.error);
    });
    return this.file.transaction("labels", mode).objectStore("labels");
  }

  static finished(request) {
    return new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  }

  async put(key, value) { await Unsaved.finished((await this.table("readwrite")).put(value, key)); }
  async get(key) { return Unsaved.finished((await this.table("readonly")).get(key)); }
  async remove(key) { await Unsaved.finished((await this.table("readwrite")).delete(key)); }
}
