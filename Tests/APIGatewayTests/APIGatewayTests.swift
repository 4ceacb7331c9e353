// APIGatewayTests
