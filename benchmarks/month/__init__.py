"""What an agent's month needs: sessions told at their dates, questions, and changes of facts."""
