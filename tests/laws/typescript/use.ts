// A merchant's program, checked against types that were generated from the document, and run.
import createClient from "openapi-fetch";
import type { components, paths } from "./duro.js";

declare const process: { argv: string[] };
declare const console: { log(text: string): void };

type Subscription = components["schemas"]["SubscriptionOut"];

const [, , baseUrl = "", token = ""] = process.argv;
const duro = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });

async function subscribe(): Promise<Subscription> {
  const plan = await duro.POST("/v1/plans", {
    body: { name: "Gold", amount: 500_000, interval: "month" },
    params: { header: { "Idempotency-Key": "plan-1" } },
  });
  const customer = await duro.POST("/v1/customers", { body: { email: "ada@example.com" } });
  if (plan.data === undefined || customer.data === undefined) {
    throw new Error(plan.error?.error.message ?? customer.error?.error.code);
  }
  const started = await duro.POST("/v1/subscriptions", {
    body: {
      customerId: customer.data.id,
      planId: plan.data.id,
      paymentMethodId: "pm_test_ok",
    },
  });
  if (started.data === undefined) {
    throw new Error(started.error.error.code);
  }
  return started.data;
}

const subscription = await subscribe();
const status: "active" | "incomplete" | string = subscription.status;
const payUrl: string | null = subscription.payUrl;
const page = await duro.GET("/v1/invoices", {
  params: { query: { subscriptionId: subscription.id, limit: 10 } },
});
const amounts: number[] = page.data?.items.map((invoice) => invoice.amount) ?? [];
const missing = await duro.GET("/v1/plans/{id}", {
  params: { path: { id: "plan_00000000000000000000000000" } },
});

// Each of these is a mistake that the types have to refuse.
export const mistakes = (): unknown[] => [
  // @ts-expect-error there is no such path
  duro.GET("/v1/nothing"),
  // @ts-expect-error an amount is a number
  duro.POST("/v1/plans", { body: { name: "Gold", amount: "500000", interval: "month" } }),
  // @ts-expect-error the interval is one of a few
  duro.POST("/v1/plans", { body: { name: "Gold", amount: 1, interval: "fortnight" } }),
  // @ts-expect-error the amount is missing
  duro.POST("/v1/plans", { body: { name: "Gold", interval: "month" } }),
  // @ts-expect-error no such field
  subscription.state,
  // @ts-expect-error it may be null
  subscription.payUrl.length,
];

console.log(
  JSON.stringify({ status, payUrl, amounts, missing: missing.error?.error.code ?? null }),
);
