// What the modules of a page share without importing it from each other: events, elements that are found by a selector,
// properties of elements, and the scripts of others. tsc reads it (tsconfig.json); browsers never see it.

/** A control of a form that has a name and a value. */
type Control = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

type FoundTag =
  | "a"
  | "button"
  | "canvas"
  | "details"
  | "dialog"
  | "form"
  | "input"
  | "progress"
  | "select"
  | "table"
  | "template"
  | "textarea"
  | "time";
type FoundByTag<S extends string> = {
  [Tag in FoundTag]: S extends Tag | `${Tag}[${string}` | `${Tag}.${string}` | `${Tag}:${string}` ? HTMLElementTagNameMap[Tag] : never;
}[FoundTag];

/** The element that a selector finds: by the tag of its last part, a control by `[name=...]`, else any HTML element. */
type Found<S extends string> = string extends S
  ? HTMLElement
  : S extends `${string}, ${string}`
    ? HTMLElement
    : S extends `${string} ${infer Last}`
      ? Found<Last>
      : S extends "svg"
        ? SVGSVGElement
        : S extends "use"
          ? SVGUseElement
          : S extends `[name=${string}`
            ? Control
            : [FoundByTag<S>] extends [never]
              ? HTMLElement
              : FoundByTag<S>;

interface ParentNode {
  querySelector<S extends string>(selector: S): Found<S> | null;
  querySelectorAll<S extends string>(selector: S): NodeListOf<Found<S>>;
}

interface Element {
  closest<S extends string>(selector: S): Found<S> | null;
}

/** What happened to a case, as the live feed tells it. */
interface CaseEvent {
  case_id: string;
  action?: string;
  actor?: string;
}

/** An action that can be taken back: POST `body` to `url`, then go to `then`. */
interface Undoable {
  text: string;
  url: string;
  body?: unknown;
  then?: string;
}

interface PageEvents {
  /** On the document: something happened to a case (live.js). */
  "telemed:case": CustomEvent<CaseEvent>;
  /** On the document: the number of unread notices (live.js). */
  "telemed:notice": CustomEvent<{ unread?: number }>;
  /** On the document: a step of one's own is done, parts may draw themselves again (step-form.js). */
  "telemed:step": CustomEvent<null>;
  /** On the document: a password was right (confirm-password.js). */
  "telemed:confirmed": CustomEvent<unknown>;
  /** Bubbles from a form or button: its POST is done, or was refused (post.js). */
  "telemed:posted": CustomEvent<unknown>;
  "telemed:refused": CustomEvent<Error>;
  /** Bubbles from the section of uploads: a file is with the server; files wait for a case (upload.js). */
  "telemed:uploaded": CustomEvent<{ name: string; url: string }>;
  "telemed:case-wanted": CustomEvent<null>;
  /** From htmx, by the header HX-Trigger of an answer (undo.js). */
  "telemed:undoable": CustomEvent<Undoable>;
  /** From htmx: an element came into the page. */
  "htmx:load": CustomEvent<unknown>;
  /** Bubbles from a viewer: the first image, the first trace is drawn. */
  "viewer:ready": CustomEvent<null>;
  "ecg:ready": CustomEvent<null>;
}

interface DocumentEventMap extends PageEvents {}
interface HTMLElementEventMap extends PageEvents {}

interface HTMLElement {
  /** The viewer of an element with data-viewer, once it is started (viewer/viewer.js). */
  viewer?: import("./static/js/viewer/viewer.js").Viewer;
  /** The files of a section with data-upload (upload.js). */
  queue?: import("./static/js/upload.js").UploadQueue;
}

interface Window {
  htmx?: { process(element: Element | DocumentFragment): void };
}

/** What tus.min.js leaves behind: it is no module. */
declare var tus: typeof import("./static/vendor/tus-js-client-4.2.3/tus.min.js");

/** Attributes of an element that is made: text, flags, and listeners under `on...`. */
interface Attributes {
  onclick?: (event: MouseEvent & { currentTarget: HTMLElement }) => unknown;
  onchange?: (event: Event) => unknown;
  oninput?: (event: Event) => unknown;
  onpointerdown?: (event: PointerEvent) => unknown;
  onpointerleave?: (event: PointerEvent) => unknown;
  [name: string]: string | number | boolean | null | undefined | ((event: never) => unknown);
}

/** RFC 9457, with what the API adds. */
interface ProblemDocument {
  title?: string;
  detail?: string;
  errors?: FieldError[];
  claimed_by?: string;
  contradictions?: Contradiction[];
}
/** What does not go together in a report; `stop`: it is not signed without a reason. */
interface Contradiction {
  code: string;
  severity: "stop" | "hint";
  message: string;
}
interface FieldError {
  field?: string;
  message: string;
}

/** The values of a form by the names of its controls. */
type FormValues = Record<string, string | boolean | number | null | string[]>;

/** What a module that draws a panel exports (panels.js). */
interface PanelModule {
  open(element: HTMLElement, context: PanelContext): Panel | undefined;
}
interface PanelContext {
  caseId: string;
  /** The form the report is written in, or null. */
  form(): HTMLFormElement | null;
}
interface Panel {
  grow?(fresh: HTMLElement): void;
  compare?(uid: string): unknown;
}
