"use strict";
// Keeps the answers in this browser, for a study that is a folder; STUDY stands before this text.
const store = (() => {
  const key = `fundusgen reading study ${STUDY.id} ${STUDY.reader}`;
  const now = () => new Date().toISOString();

  function kept() {
    try {
      return JSON.parse(localStorage.getItem(key)) || { consent: null, shown: {}, answers: [] };
    } catch {
      throw new Error("This browser keeps nothing for pages opened from a folder. Allow site data, or use another browser.");
    }
  }

  function keep(notes) {
    try {
      localStorage.setItem(key, JSON.stringify(notes));
    } catch {
      throw new Error("This browser could not keep the answer. Save the answers as a file, make room, and try again.");
    }
  }

  function current(notes) {
    const answered = new Set(notes.answers.map((answer) => answer.trial));
    return STUDY.trials.find((trial) => !answered.has(trial.id));
  }

  function state(notes) {
    const common = { title: STUDY.title, reader: STUDY.reader, share: STUDY.share };
    const practice = STUDY.trials.filter((trial) => trial.practice).length;
    if (!notes.consent) {
      return { ...common, stage: "consent", roles: STUDY.roles, pictures: STUDY.trials.length - practice, practice };
    }
    const trial = current(notes);
    if (!trial) return { ...common, stage: "done" };
    const alike = STUDY.trials.filter((each) => each.practice === trial.practice);
    return {
      ...common, stage: trial.practice ? "practice" : "reading", trial: trial.id, reasons: STUDY.reasons,
      number: alike.indexOf(trial) + 1, of: alike.length,
    };
  }

  return {
    async begin() { return { state: state(kept()) }; },
    async consent(told) {
      const notes = kept();
      notes.consent = notes.consent || { ...told, agreed_at: now() };
      keep(notes);
      return { state: state(notes) };
    },
    async answer(answer) {
      const notes = kept(), trial = current(notes);
      if (!trial || trial.id !== answer.trial) {
        return { state: state(notes), notice: "This picture was answered before, perhaps in another tab; that answer stays." };
      }
      notes.answers.push({ ...answer, answered_at: now(), times_shown: notes.shown[trial.id] || 0 });
      keep(notes);
      return { state: state(notes) };
    },
    picture(trial) {
      const notes = kept();
      notes.shown[trial] = (notes.shown[trial] || 0) + 1;
      keep(notes);
      return `pictures/${trial}.png`;
    },
    // Name and text of the file with the answers.
    file() {
      const { consent, answers } = kept();
      const told = { format: STUDY.answers_format, study: STUDY.id, reader: STUDY.reader, consent, answers };
      return { name: `answers ${STUDY.reader}.json`, text: JSON.stringify(told, null, 1) };
    },
  };
})();
