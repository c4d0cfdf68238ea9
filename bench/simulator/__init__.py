"""The simulator measured from outside: how soon, how costly, how right, how many, how sturdy."""
