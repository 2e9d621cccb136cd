/** How a component reaches the state and the actions of the window it is in. */

import { createContext } from 'svelte';
import type { Kerf } from '../state/kerf.svelte';
import type { Actions } from './actions.svelte';

export const [getKerf, setKerf] = createContext<Kerf>();
export const [getActions, setActions] = createContext<Actions>();
