"use strict";
// Keeps in this browser what has not reached the server yet, so that a closed window or a gone server loses nothing.
// eslint-disable-next-line no-unused-vars
class Unsaved {
  async opened() {
    this.file ||= await new Promise((resolve, reject) => {
      const opening = indexedDB.open("fundusgen review", 1);
      opening.onupgradeneeded = () => opening.result.createObjectStore("labels");
      opening.onsuccess = () => resolve(opening.result);
      opening.onerror = () => reject(opening.error);
    });
    return this.file;
  }

  async table(mode) { return (await this.opened()).transaction("labels", mode).objectStore("labels"); }

  static finished(request) {
    return new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  }

  // Resolves once it is on disk: a request that succeeded is lost if its window closes before its transaction ends.
  async put(key, value) {
    const transaction = (await this.opened()).transaction("labels", "readwrite", { durability: "strict" });
    transaction.objectStore("labels").put(value, key);
    await new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error || new Error("This browser keeps nothing."));
    });
  }

  async get(key) { return Unsaved.finished((await this.table("readonly")).get(key)); }
  async remove(key) { await Unsaved.finished((await this.table("readwrite")).delete(key)); }
}
