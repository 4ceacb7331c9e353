// CarillonToolTests
