/** Buttons, fields and styles of the screen. */
import { Pressable, StyleSheet, Text, TextInput, View } from "react-native";

interface ButtonProps {
  readonly title: string;
  readonly isEnabled: boolean;
  onPress(): void;
}

export function Button({ title, isEnabled, onPress }: ButtonProps) {
  return (
    <Pressable
      accessibilityRole="button"
      disabled={!isEnabled}
      onPress={onPress}
      style={[styles.button, !isEnabled && styles.disabled]}
    >
      <Text style={styles.buttonText}>{title}</Text>
    </Pressable>
  );
}

interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly isEnabled: boolean;
  onChange(value: string): void;
}

export function Field({ label, value, isEnabled, onChange }: FieldProps) {
  return (
    <View>
      <Text style={styles.faint}>{label}</Text>
      <TextInput
        accessibilityLabel={label}
        autoCapitalize="none"
        editable={isEnabled}
        multiline
        onChangeText={onChange}
        style={styles.field}
        value={value}
      />
    </View>
  );
}

export function Notice({ text }: { readonly text: string }) {
  return (
    <Text accessibilityRole="alert" selectable style={styles.notice}>
      {text}
    </Text>
  );
}

export const styles = StyleSheet.create({
  screen: { flex: 1, backgroundColor: "#fafaf7" },
  page: { padding: 16, gap: 12 },
  section: { gap: 8 },
  title: { fontSize: 16, fontWeight: "600", color: "#222222" },
  text: { fontSize: 16, color: "#222222" },
  question: { fontSize: 16, color: "#1f5f3f", fontWeight: "600" },
  faint: { fontSize: 13, color: "#666666" },
  plan: { fontSize: 12, color: "#222222", fontFamily: "monospace" },
  notice: { fontSize: 15, color: "#8a1f11", padding: 12 },
  field: {
    borderWidth: 1,
    borderColor: "#bbbbbb",
    borderRadius: 6,
    padding: 10,
    fontSize: 16,
    color: "#222222",
  },
  button: { backgroundColor: "#1f5f3f", borderRadius: 6, padding: 12 },
  buttonText: { color: "#ffffff", fontSize: 16, textAlign: "center" },
  disabled: { opacity: 0.4 },
});
