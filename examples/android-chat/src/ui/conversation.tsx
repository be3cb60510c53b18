/** Turns, and where to write the next one. */
import { useState } from "react";
import { Text, View } from "react-native";
import type { Turn } from "../run/chat-session";
import { Button, Field, styles } from "./parts";

interface ConversationProps {
  readonly turns: readonly Turn[];
  readonly isBusy: boolean;
  onSend(text: string): void;
}

export function Conversation({ turns, isBusy, onSend }: ConversationProps) {
  const [draft, setDraft] = useState("");
  const text = draft.trim();
  const send = () => {
    setDraft("");
    onSend(text);
  };
  return (
    <View style={styles.section}>
      {turns.map((turn, i) => (
        <Text key={i} selectable style={turn.role === "user" ? styles.question : styles.text}>
          {turn.text || "…"}
        </Text>
      ))}
      <Field label="Message" value={draft} onChange={setDraft} isEnabled={!isBusy} />
      <Button title="Send" isEnabled={!isBusy && text !== ""} onPress={send} />
    </View>
  );
}
