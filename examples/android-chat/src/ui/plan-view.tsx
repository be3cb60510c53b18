/** What the backend decided, and why: its own words. */
import { Text, View } from "react-native";
import type { BackendPlan } from "../run/backend";
import { styles } from "./parts";

export function PlanView({ plan }: { readonly plan: BackendPlan }) {
  const prompts = plan.resolved === "none" ? plan.fallback : plan.resolved;
  return (
    <View style={styles.section}>
      <Text style={styles.title}>Prompts run on {prompts}</Text>
      <Text selectable style={styles.plan}>
        {String(plan)}
      </Text>
    </View>
  );
}
