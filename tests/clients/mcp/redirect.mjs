// Leads the calls of a program that knows only one server to the one at FOOTFALL_URL: node --import redirect.mjs PROGRAM
import { Agent, setGlobalDispatcher } from "undici";

const origin = process.env.FOOTFALL_URL;
const lead = (dispatch) => (options, handler) => dispatch({ ...options, origin }, handler);
setGlobalDispatcher(new Agent().compose(lead));
