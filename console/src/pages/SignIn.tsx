import "../styles/later";
import { Alert, Button, Center, Modal, PasswordInput, Stack, TextInput, Title } from "@mantine/core";
import { type SyntheticEvent, type ReactNode, useState } from "react";
import { session } from "../api/session";
import { told } from "../parts/states";

export function SignInForm(): ReactNode {
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    try {
      setProblem((await session.open(email, password)) ?? "");
    } catch (error) {
      setProblem(told(error));
    } finally {
      setBusy(false);
    }
  };
  const shown = problem || session.reason();
  return (
    <form onSubmit={submit} aria-label="Sign in">
      <Stack>
        {shown && (
          <Alert color="orange" variant="outline" role="alert">
            {shown}
          </Alert>
        )}
        <TextInput
          label="E-mail address"
          type="email"
          name="email"
          required
          autoComplete="username"
          data-autofocus
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
        />
        <PasswordInput
          label="Password"
          name="password"
          required
          autoComplete="current-password"
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        <Button type="submit" loading={busy}>
          Sign in
        </Button>
      </Stack>
    </form>
  );
}

export default function SignIn(): ReactNode {
  return (
    <Center component="main" mih="100vh" p="md">
      <Stack w="min(24rem, 100%)">
        <Title order={1} size="h2">
          Campaign Express
        </Title>
        <SignInForm />
      </Stack>
    </Center>
  );
}

/** Over the page, when a session ends in the middle of something: what stands there is kept. */
export function SignInAgain(): ReactNode {
  return (
    <Modal
      opened
      onClose={() => undefined}
      title="Sign in again"
      withCloseButton={false}
      closeOnEscape={false}
      closeOnClickOutside={false}
      lockScroll={false}
      centered
    >
      <SignInForm />
    </Modal>
  );
}
