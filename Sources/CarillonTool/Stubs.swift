import ArgumentParser
struct AccountCommand: AsyncParsableCommand {}
struct ImportCommand: AsyncParsableCommand {}
struct CampaignCommand: AsyncParsableCommand {}
struct LogCommand: AsyncParsableCommand {}
struct DemoCommand: AsyncParsableCommand {}
