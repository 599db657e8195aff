import { answer } from "../actions/run";

interface Props {
  readonly node: string;
  readonly text: string;
  readonly choices: readonly string[];
}

/** What a node asks before the run goes on, with its answers as buttons. */
export function Question({ node, text, choices }: Props) {
  return (
    <div className="question" role="group" aria-label={text}>
      <p>{text}</p>
      <span>
        {choices.map((choice) => (
          <button key={choice} type="button" className="small-button" onClick={() => void answer(node, choice)}>
            {choice}
          </button>
        ))}
      </span>
    </div>
  );
}
