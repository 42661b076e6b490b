"""How likely it is that a visitor becomes a customer, by what became of others like them."""
