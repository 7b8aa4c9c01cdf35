import Commands
import Glibc

@main struct Martlet {
    static func main() async {
        exit(await MartletCommand.run(Array(CommandLine.arguments.dropFirst())))
    }
}
