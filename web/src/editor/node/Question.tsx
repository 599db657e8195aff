import { answer } from "../actions/run";
import { useT } from "../useT";

/** What the built-in gate offers, in the person's language; a plugin's own answers are shown as they are. */
const WORDS = { approve: "answer.approve", decline: "answer.decline" } as const;

interface Props {
  readonly node: string;
  readonly text: string;
  readonly choices: readonly string[];
}

/** What a node asks before the run goes on, with its answers as buttons. */
export function Question({ node, text, choices }: Props) {
  const t = useT();
  return (
    <div className="question" role="group" aria-label={text}>
      <p>{text}</p>
      <span>
        {choices.map((choice) => (
          <button key={choice} type="button" className="small-button" onClick={() => void answer(node, choice)}>
            {choice in WORDS ? t(WORDS[choice as keyof typeof WORDS]) : choice}
          </button>
        ))}
      </span>
    </div>
  );
}
