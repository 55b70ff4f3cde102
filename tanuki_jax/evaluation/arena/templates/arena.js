"use strict";
// The browser holds the token of this tab's battle and nothing else; what is allowed is asked of the server.
const WORDS = {
  ja: { waiting: "答えを待っています…", voted: "投票しました。", failed: "答えの途中でモデルが止まりました。投票するか、新しい対戦を始めてください。",
        lost: "この対戦は見つかりません。新しい対戦を始めてください。", away: "サーバーにつながりません。もう一度試しています…",
        forgotten: "消した会話: ", hour: "一時間の対戦の数の上限です。しばらくしてからどうぞ。", minute: "少し待ってからもう一度送ってください。",
        long: "文が長すぎます。", empty: "文を書いてください。", busy: "答えが終わるまで待ってください。", early: "両方の答えが出てから投票できます。",
        voted_error: "この対戦にはもう投票があります。", turns: "質問の数の上限です。投票してください。" },
  en: { waiting: "Waiting for the answers…", voted: "Your vote is counted.", failed: "A model broke off. Vote, or begin another battle.",
        lost: "This battle is not known. Begin another one.", away: "The server cannot be reached. Trying again…",
        forgotten: "Conversations deleted: ", hour: "This is the limit of battles an hour. Please come back later.", minute: "Please wait a little and send again.",
        long: "The message is too long.", empty: "Please write a message.", busy: "Please wait for the end of the answers.", early: "You can vote when both answers are there.",
        voted_error: "This battle has a vote already.", turns: "This was the last message. Please vote." },
};
const POLL = 350;
const find = (id) => document.getElementById(id);
let language = localStorage.getItem("language") || "ja";
let token = sessionStorage.getItem("battle") || "";
let state = null, sending = false, timer = 0;

function words(key) { return WORDS[language][key] || key; }

function setLanguage(chosen) {
  language = chosen === "en" ? "en" : "ja";
  localStorage.setItem("language", language);
  document.documentElement.lang = language;
}

async function call(path, body) {
  const response = await fetch("/api/" + path, {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body), credentials: "same-origin",
  });
  return await response.json();
}

function say(text) { if (find("status").textContent !== text) find("status").textContent = text; }

function fill(side, number) {
  const log = find("pane-" + side);
  const below = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  state.turns.forEach((turn, index) => {
    let question = log.children[2 * index], answer = log.children[2 * index + 1];
    if (!question) {
      question = log.appendChild(document.createElement("div"));
      question.className = "question";
      answer = log.appendChild(document.createElement("div"));
      answer.className = "answer";
    }
    if (question.textContent !== turn.question) question.textContent = turn.question;
    if (answer.dataset.html !== turn.answers[number]) {
      answer.dataset.html = turn.answers[number];
      answer.innerHTML = turn.answers[number]; // made by the server, without HTML of the models
    }
  });
  if (below) log.scrollTop = log.scrollHeight;
}

function show() {
  const last = state && state.turns[state.turns.length - 1];
  const ended = !last || last.ended, voted = Boolean(state && state.winner);
  if (state) { fill("a", 0); fill("b", 1); }
  for (const button of find("votes").children) {
    button.disabled = !(state && state.may_vote) || sending;
    button.classList.toggle("chosen", voted && button.dataset.winner === state.winner);
  }
  ["a", "b"].forEach((side, number) => {
    const model = state && state.models && state.models[number];
    find("name-" + side).textContent = side.toUpperCase() + (model ? ": " + [model.name, model.organisation].filter(Boolean).join(" · ") : "");
  });
  find("question").disabled = voted;
  find("send").disabled = !ended || voted || sending;
  if (voted) say(words("voted"));
  else if (!ended) say(words("waiting"));
  else if (last && last.failed) say(words("failed"));
}

async function look() {
  clearTimeout(timer);
  if (!token) return;
  const mine = token;
  try {
    const found = await call("state", { token: mine });
    if (mine !== token) return;
    if (found.error) { say(words(found.error === "unknown" ? "lost" : found.error)); return; }
    state = found;
    show();
    const last = state.turns[state.turns.length - 1];
    if (last && !last.ended && !state.winner) timer = setTimeout(look, POLL);
    else if (last && last.ended && find("status").textContent === words("waiting")) say("");
  } catch (error) {
    say(words("away"));
    timer = setTimeout(look, 2000);
  }
}

async function act(path, body, then) {
  if (sending) return;
  sending = true;
  show();
  try {
    const found = await call(path, body);
    if (found.error) say(words(found.error === "voted" ? "voted_error" : found.error));
    else then(found);
  } catch (error) {
    say(words("away"));
  }
  await look();
  sending = false;
  show();
}

async function send() {
  const question = find("question").value;
  if (!question.trim() || find("send").disabled) return;
  const sent = (found) => {
    if (found.token) { token = found.token; sessionStorage.setItem("battle", token); }
    find("question").value = "";
    say(words("waiting"));
  };
  await act(token ? "questions" : "battles", token ? { token, question } : { question }, sent);
}

function renew() {
  clearTimeout(timer);
  token = ""; state = null;
  sessionStorage.removeItem("battle");
  for (const side of "ab") find("pane-" + side).replaceChildren();
  say("");
  show();
  find("question").focus();
}

function battlePage() {
  find("ask").addEventListener("submit", (event) => { event.preventDefault(); send(); });
  find("question").addEventListener("keydown", (event) => {
    // An Enter that ends the input of kanji sends nothing.
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229) { event.preventDefault(); send(); }
  });
  find("new").addEventListener("click", renew);
  for (const button of find("votes").children) {
    button.addEventListener("click", () => act("votes", { token, winner: button.dataset.winner }, () => {}));
  }
  window.addEventListener("pageshow", (event) => { if (event.persisted) look(); });
  show();
  look();
}

setLanguage(language);
find("language").addEventListener("click", () => { setLanguage(language === "ja" ? "en" : "ja"); if (find("ask")) show(); });
if (document.body.dataset.page === "battle") battlePage();
if (find("forget")) find("forget").addEventListener("click", async () => {
  const found = await call("forget", {});
  find("forgotten").textContent = words("forgotten") + found.battles;
});
